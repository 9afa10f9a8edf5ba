export default {
  base: "./",
  // Vite 6 and 7 build workers as "iife" else, which cannot import the parts that gradcam loads when it needs them.
  worker: { format: "es" },
  build: { target: "es2022" },
  // The dev server would move the code away from the models that come with it.
  optimizeDeps: { exclude: ["gradcam"] },
};
