import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
import { app } from './app.ts';

export default toCloudflareHandler(app);
