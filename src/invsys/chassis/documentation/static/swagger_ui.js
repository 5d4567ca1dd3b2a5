// A separate file, because the Content-Security-Policy of the page forbids inline scripts.
const container = document.getElementById("swagger-ui");
SwaggerUIBundle({
  domNode: container,
  url: container.dataset.document,
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null, // the default sends the document to an external service
});
