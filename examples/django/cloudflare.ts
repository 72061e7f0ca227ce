import { DurableObject } from 'cloudflare:workers';
import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
import { durableObject, fromPython } from 'wsgi-edge/python';
import { environment } from './environment.ts';
import assets from './python_assets/assets.mjs';

/** The site, with its database and its uploads in the storage of one object. */
export class Site extends DurableObject {
  #handler = toCloudflareHandler(
    fromPython(assets, { env: environment(this.env), files: { '/data': durableObject(this.ctx.storage) } }),
  );

  override fetch(request: Request): Promise<Response> | Response {
    return this.#handler.fetch(request, this.env, this.ctx);
  }
}

export default {
  fetch: (request, { SITE }) => SITE.getByName('main').fetch(request),
} satisfies ExportedHandler<Cloudflare.Env>;
