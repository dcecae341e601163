// The scripts of a page are one function together, so they are linted as one: `python -m tests.scripts`.
const browser = ["document", "DOMParser", "matchMedia", "MutationObserver", "ResizeObserver", "getComputedStyle",
  "setInterval", "clearInterval", "window"];

export default [{
  languageOptions: { ecmaVersion: 2023, sourceType: "script", globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) },
  linterOptions: { reportUnusedDisableDirectives: "error" },
  rules: {
    "consistent-return": "off", "curly": ["error", "multi-line"], "eqeqeq": "error", "max-len": ["error", 140],
    "max-lines-per-function": ["error", 60], "no-else-return": "off", "no-implicit-globals": "error", "no-redeclare": "error",
    "no-shadow": "error", "no-undef": "error", "no-unused-vars": ["error", { args: "none" }], "no-use-before-define": "off", "no-var": "error",
    "object-shorthand": "error", "prefer-arrow-callback": "error", "prefer-const": "error", "prefer-template": "error",
  },
}];
