// Python, and Graphviz for its pictures, as WebAssembly. They work beside the page, so that it stays quick meanwhile.

const home = new URL(".", import.meta.url).href;
let bytes = 0;

// What arrives is counted, also of the files that Python's loader fetches by itself.
const { fetch } = self;
self.fetch = async (...request) => {
  const response = await fetch(...request);
  const counter = new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      postMessage({ bytes });
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counter), response);
};

async function packages() {
  const response = await self.fetch(`${home}packages.zip`);
  if (!response.ok) throw new Error(`packages.zip: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

async function graphviz() {
  const { instance } = await import("./viz.js");
  return instance();
}

async function interpreter() {
  const { loadPyodide } = await import("./pyodide/pyodide.mjs");
  return loadPyodide({ indexURL: `${home}pyodide/` });
}

async function start() {
  const [python, viz, archive] = await Promise.all([interpreter(), graphviz(), packages()]);
  python.registerJsModule("viz_js", viz);
  python.unpackArchive(archive, "zip", { extractDir: "/packages" });
  python.runPython('import sys; sys.path.insert(0, "/packages")');
  const { answer } = python.pyimport("play");
  postMessage({ ready: true });
  return answer;
}

const started = start();
started.catch((error) => postMessage({ failed: `Python could not be loaded: ${error.message}` }));

self.onmessage = async ({ data: { id, ...request } }) => {
  const answer = await started;
  try {
    postMessage({ id, answer: JSON.parse(answer(JSON.stringify(request))) });
  } catch (error) {
    postMessage({ failed: `Python stopped: ${error.message}` });
  }
};
