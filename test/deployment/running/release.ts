// Helm's hooks among rendered objects: which belong to an event, and in which order they run.
import type { KubeObject } from './types.ts'

const hookAnnotation = 'helm.sh/hook'
const weightAnnotation = 'helm.sh/hook-weight'

export const isHook = (object: KubeObject): boolean => object.metadata.annotations?.[hookAnnotation] !== undefined

/** The hooks of an event (`post-install`, `test`), by weight, then kind, then name. */
export function hooksOf(objects: readonly KubeObject[], event: string): KubeObject[] {
  const weight = (object: KubeObject) => Number(object.metadata.annotations?.[weightAnnotation] ?? 0)
  return objects
    .filter((object) => object.metadata.annotations?.[hookAnnotation]?.split(',').some((one) => one.trim() === event))
    .sort(
      (a, b) => weight(a) - weight(b) || a.kind.localeCompare(b.kind) || a.metadata.name.localeCompare(b.metadata.name),
    )
}
