// A separate file, because the Content-Security-Policy of the page forbids inline scripts.
// Swagger UI has dark colours, but only its top bar, which this page omits, switches to them.
const dark = matchMedia("(prefers-color-scheme: dark)");
const chooseColours = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
chooseColours();
dark.addEventListener("change", chooseColours);

const container = document.getElementById("swagger-ui");
SwaggerUIBundle({
  domNode: container,
  url: container.dataset.document,
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null, // the default sends the document to an external service
});
