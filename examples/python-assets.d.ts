// `wsgi-edge build-python` writes these modules; they are not in the repository.
declare module '*/python_assets/assets.mjs' {
  const assets: import('wsgi-edge/python').PythonAssets;
  export default assets;
}
declare module '*/python_assets/node.mjs' {
  const assets: import('wsgi-edge/python').PythonAssets;
  export default assets;
}
declare namespace Cloudflare {
  interface Env {
    SECRET_KEY: string;
    SITE: DurableObjectNamespace;
  }
}
