// The folder is its own root: another package-lock.json above it would be taken for the project's.
const here = import.meta.dirname;

/** @type {import("next").NextConfig} */
export default {
  outputFileTracingRoot: here,
  turbopack: { root: here },
  // Bundled by webpack, the code would look for its models where they were when it was built.
  serverExternalPackages: ["gradcam"],
  // For `output: "standalone"`: what tracing does not see that the route opens.
  outputFileTracingIncludes: {
    "/api/explain": [
      `./node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/*`,
      "./node_modules/gradcam/models/efficientnet-lite0/**",
    ],
  },
};
