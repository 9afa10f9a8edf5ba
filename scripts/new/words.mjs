/** @file How names are written: layer-cam as layerCam in code, and as "Layer cam" until somebody says how people write it. */

/** grad-cam++ is gradCamPlusPlus. */
export const camelCase = (name) =>
  name.replaceAll("+", "-plus").replace(/-+(\w)/g, (_, letter) => letter.toUpperCase());

export const title = (name) => name[0].toUpperCase() + name.slice(1).replaceAll("-", " ");
