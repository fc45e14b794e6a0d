// Label selectors of Kubernetes: which labels a selector takes.
import { onlyFields, UnsupportedError } from './strict.ts'

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[]
}

/** Whether a selector takes these labels; an empty selector takes everything. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  onlyFields(selector, 'labelSelector', ['matchLabels', 'matchExpressions'])
  const byLabel = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return byLabel && (selector.matchExpressions ?? []).every((expression) => holds(expression, labels))
}

function holds(
  expression: { key: string; operator: string; values?: readonly string[] },
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[expression.key]
  switch (expression.operator) {
    case 'In':
      return value !== undefined && expression.values!.includes(value)
    case 'NotIn':
      return value === undefined || !expression.values!.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      throw new UnsupportedError(`labelSelector operator ${expression.operator}`)
  }
}
