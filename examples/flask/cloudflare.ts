import { connect } from 'cloudflare:sockets';
import { env } from 'cloudflare:workers';
import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
import { fromPython } from 'wsgi-edge/python';
import { environment } from './environment.ts';
import assets from './python_assets/assets.mjs';

export default toCloudflareHandler(fromPython(assets, { env: environment({ ...env }), sockets: connect }));
