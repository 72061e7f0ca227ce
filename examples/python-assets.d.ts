// What `wsgi-edge build-python` writes; it is not in the repository.
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
  }
}
