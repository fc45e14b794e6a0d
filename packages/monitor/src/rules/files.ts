// The rules in parts that each fit into an object of Kubernetes: the alerts, then the objectives of one service after the other. Pure.
import { createHash } from 'node:crypto'
import type { Objective } from '@selfmonitor/platform'
import { objectiveRules } from './objectives/rules.ts'
import { alertRules, type Links, type RuleFile, type RuleGroup } from './prometheus.ts'

/**
 * Most bytes of a part as JSON. `kubectl apply` keeps the whole object, as JSON, in an annotation, and annotations have at most 256 KiB
 * (Kubernetes' TotalAnnotationSizeLimitB); as YAML in a ConfigMap, with its line ends and quotes escaped, a part is up to half larger.
 */
export const longestPart = 128 * 1024

export interface RulePart extends RuleFile {
  /** `alerts`, `objectives-billing`, `objectives-billing-2`: for the names of files and objects. */
  readonly name: string
}

export function ruleParts(objectives: readonly Objective[], links: Links = {}): RulePart[] {
  const services = Map.groupBy(objectives, ({ service }) => service)
  return [
    { name: 'alerts', groups: alertRules(links) },
    ...[...services].flatMap(([service, own]) =>
      packed(own.map((objective) => objectiveRules([objective], links))).map((groups, at) => ({
        name: `objectives-${objectName(service)}${at === 0 ? '' : `-${at + 1}`}`,
        groups,
      })),
    ),
  ]
}

/** As many objectives in a part as fit. One alone is a few kilobytes. */
function packed(objectives: readonly (readonly RuleGroup[])[]): RuleGroup[][] {
  const parts: RuleGroup[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const groups of objectives) {
    const own = Buffer.byteLength(JSON.stringify(groups))
    if (bytes + own > longestPart) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(...groups)
    bytes += own
  }
  return parts
}

/** A name as Kubernetes wants it (RFC 1123). One that had to be changed gets a checksum, so that two do not become the same. */
function objectName(service: string): string {
  const name = service
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 100)
  return name === service ? name : `${name}-${createHash('sha256').update(service).digest('hex').slice(0, 8)}`
}
