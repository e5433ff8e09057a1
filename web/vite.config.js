import fs from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vite';
import vue from '@vitejs/plugin-vue';

// PARLEY_API: where `npm run dev` finds the API; the built page is served by the API itself.
const api = process.env.PARLEY_API ?? 'http://127.0.0.1:8000';

/** /docs: the API's document to read, as files that the API serves like the page: swagger-ui's, and our own of docs/. */
const docs = {
  name: 'docs',
  apply: 'build',
  generateBundle() {
    const own = ['index.html', 'docs.js', 'docs.css'].map((name) => path.join('docs', name));
    const foreign = ['swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE'].map((name) => path.join('node_modules', 'swagger-ui-dist', name));
    for (const file of [...own, ...foreign]) {
      const name = path.basename(file).replace(/^(LICENSE|NOTICE)$/, '$1.txt');
      const source = fs.readFileSync(file, 'utf8').replace(/\n(\/\/|\/\*)# sourceMappingURL=.*/, ''); // maps are not served
      this.emitFile({ type: 'asset', fileName: `docs/${name}`, source });
    }
  },
};

export default defineConfig({
  plugins: [vue(), docs],
  server: { proxy: { '/v1': { target: api, changeOrigin: false } } },
  build: {
    target: 'es2021',
    assetsInlineLimit: 0, // the page's CSP has no place for data: beyond images
  },
});
