import { env } from 'cloudflare:workers';
import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
import { fromPython } from 'wsgi-edge/python';
import assets from './python_assets/assets.mjs';

export default toCloudflareHandler(fromPython(assets, { env: { SECRET_KEY: env.SECRET_KEY } }));
