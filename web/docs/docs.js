// The API's own document, shown by swagger-ui. Nothing leaves for another host: no validator, no fonts, no proxy for what is tried out.
SwaggerUIBundle({
  url: '/v1/openapi.json',
  dom_id: '#api',
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
});
