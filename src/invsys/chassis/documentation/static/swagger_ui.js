// In a file of its own, so that the page's policy needs no exception for scripts inside it.
const place = document.getElementById("swagger-ui");
SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null, // the default asks a service elsewhere
});
