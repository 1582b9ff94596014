// Swagger UI over this instance's own document. Nothing is asked of another host: no validator, no fonts, no badges.
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  // Secrets that are typed in stay in the memory of this page.
  persistAuthorization: false,
});
