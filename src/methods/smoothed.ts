/** @file The first principal component of a layer's weighted channels in place of their sum, as pytorch-grad-cam's eigen_smooth. */
import { UserError } from "../errors.ts";
import type { LayerMap } from "./method.ts";
import { principalComponent } from "./principal-component.ts";

const kept = new WeakMap<LayerMap, LayerMap>();

/** A map with its sum over channels replaced; the same of the same map, for graphs are kept by it. */
export function smoothed(map: LayerMap): LayerMap {
  const known = kept.get(map);
  if (known) return known;
  const { classBlind, secondOrder, seed } = map;
  const made: LayerMap = Object.assign(
    (parts: Parameters<LayerMap>[0]) => {
      let gathers = false;
      const value = map({
        ...parts,
        gather: (weighted) => {
          gathers = true;
          return principalComponent(parts.build, weighted);
        },
      });
      if (!gathers)
        throw new UserError("invalid-option", "invalid option: smooth takes a method that sums over channels");
      return value;
    },
    { ...(classBlind && { classBlind }), ...(secondOrder && { secondOrder }), ...(seed && { seed }) },
  );
  kept.set(map, made);
  return made;
}
