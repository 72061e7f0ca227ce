import { connect } from 'cloudflare:sockets';
import { env } from 'cloudflare:workers';
import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
import assets from '../flask/python_assets/assets.mjs';
import { mixed } from './app.ts';

export default toCloudflareHandler(mixed(assets, env, { sockets: connect }));
