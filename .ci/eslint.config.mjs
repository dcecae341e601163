// The scripts of a drawn page are one function together, so they are linted as one: `python -m tests.scripts`. Those of
// the page Play are modules.
const browser = ["document", "DOMParser", "matchMedia", "MutationObserver", "ResizeObserver", "getComputedStyle",
  "setInterval", "clearInterval", "window"];
const play = ["Blob", "clearTimeout", "CSS", "document", "history", "location", "MutationObserver", "navigator",
  "postMessage", "Response", "self", "setTimeout", "TransformStream", "URL", "URLSearchParams", "window", "Worker"];

const readonly = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

export default [{
  files: ["page.js"], languageOptions: { ecmaVersion: 2023, sourceType: "script", globals: readonly(browser) },
}, {
  files: ["play.js", "worker.js"], languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: readonly(play) },
}, {
  linterOptions: { reportUnusedDisableDirectives: "error" },
  rules: {
    "consistent-return": "off", "curly": ["error", "multi-line"], "eqeqeq": "error", "max-len": ["error", 140],
    "max-lines-per-function": ["error", 60], "no-else-return": "off", "no-implicit-globals": "error", "no-redeclare": "error",
    "no-shadow": "error", "no-undef": "error", "no-unused-vars": ["error", { args: "none" }], "no-use-before-define": "off", "no-var": "error",
    "object-shorthand": "error", "prefer-arrow-callback": "error", "prefer-const": "error", "prefer-template": "error",
  },
}];
