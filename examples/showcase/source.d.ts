// A module as text: `import text from './a.ts?raw' with { type: 'text' }`. esbuild, wrangler and Node's option
// --experimental-import-text go by the attribute, Vite by the query, which also gives TypeScript a name for the type.
declare module '*.ts?raw' {
  const text: string;
  export default text;
}
