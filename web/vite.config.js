import { defineConfig } from 'vite';
import vue from '@vitejs/plugin-vue';

// PARLEY_API: where `npm run dev` finds the API; the built page is served by the API itself.
const api = process.env.PARLEY_API ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [vue()],
  server: { proxy: { '/v1': { target: api, changeOrigin: false } } },
  build: {
    target: 'es2021',
    assetsInlineLimit: 0, // the page's CSP has no place for data: beyond images
  },
});
