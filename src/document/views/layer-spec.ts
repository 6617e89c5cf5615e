// Which layers a viewer sees, before there are any: what each is a function of, and the name that is equal for viewers
// who see the same.
import type { Principal } from "@tidemark/protocol";
import type { ResolvedType, ResolvedViews } from "../definition/resolved-type.js";
import type { LayerParts } from "./layer.js";
import { viewTag } from "./tag.js";
import type { ViewParams } from "./view-params.js";

/** One layer for one kind of viewer. */
export interface LayerSpec {
  readonly kind: LayerParts["kind"];
  /** The view key; empty for `shared`. */
  readonly group: string;
  readonly params: ViewParams;
  readonly view: (state: object) => unknown;
}

/** One or two: shared, then mine. Throws what the author's `mine.key` throws. */
export function layerSpecs(views: ResolvedViews, viewer: Principal, params: ViewParams): LayerSpec[] {
  const shared: LayerSpec = { kind: "shared", group: "", params, view: (state) => views.shared(state, params.value) };
  const { mine } = views;
  if (mine === undefined) return [shared];
  const group = mine.key(viewer);
  // `of` gets the key, never the viewer: whatever of the viewer is not in the key would show to all who share it.
  return [shared, { kind: "mine", group, params, view: (state) => mine.of(state, group, params.value) }];
}

/** Equal for layers that show the same. */
export const layerName = ({ kind, group, params }: LayerSpec): string => JSON.stringify([kind, group, params.text]);

/** What the layer is made from. */
export function layerParts(
  spec: LayerSpec,
  { id, type, views }: { readonly id: number; readonly type: ResolvedType; readonly views: ResolvedViews },
): LayerParts {
  const { kind, group, params, view } = spec;
  const { version, hidden } = type;
  const tag = viewTag({ version, hidden, sources: views.sources, layer: kind, group, params: params.text });
  return { id, kind, group, tag, name: layerName(spec), view };
}
