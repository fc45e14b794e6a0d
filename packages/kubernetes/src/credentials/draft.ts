// The data of planning: objects as they were read, steps, and the rules for the ownership of an object's keys.
import type { CertificateSpec, CredentialsSpec } from './spec.ts'

/** An object as it was read, its data decoded. */
export interface ObjectView {
  readonly data: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly resourceVersion: string
}

/** The objects that were read, by name. */
export interface Existing {
  readonly secrets: ReadonlyMap<string, ObjectView>
  readonly configMaps: ReadonlyMap<string, ObjectView>
}

/** Values for an object: known texts, or values that are generated when the step is carried out. */
export type Make =
  | { readonly what: 'ids'; readonly keys: readonly string[] }
  | { readonly what: 'ca' }
  /** Issued again under its own key and name. */
  | { readonly what: 'ca-renewal'; readonly certificate: string; readonly key: string }
  | {
      readonly what: 'certificate'
      readonly certificate: CertificateSpec
      readonly ca: { readonly certificate: string; readonly key: string }
      readonly bundle: string
    }
  | { readonly what: 'account'; readonly name: string; readonly bundle: string }
  | { readonly what: 'login'; readonly username: string }
  | { readonly what: 'texts'; readonly data: Readonly<Record<string, string>> }

/** One change to one object. */
export interface Step {
  readonly action: 'create' | 'renew' | 'update'
  readonly kind: 'Secret' | 'ConfigMap'
  readonly name: string
  /** For people: why. Never a value. */
  readonly reason: string
  readonly make: Make
  /** Type of a Secret that is created. */
  readonly type?: string
  /** The version that the step was planned for; none, when the object is created. */
  readonly resourceVersion?: string
  /** Annotations that change. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** A plan that is being put together. */
export interface Draft {
  readonly spec: CredentialsSpec
  readonly existing: Existing
  readonly now: Date
  readonly steps: Step[]
  readonly waiting: string[]
  readonly warnings: string[]
  readonly problems: string[]
}

/** On what this command made: only that is renewed. */
export const generatedAnnotation = 'selfmonitor/generated'
/** Which keys of an object follow from others and are kept up to date; the rest belongs to the user who supplied it. */
export const derivedAnnotation = 'selfmonitor/derived'

export function isGenerated(object: ObjectView): boolean {
  return object.annotations[generatedAnnotation] === 'true'
}

/** The keys that are kept up to date in an object. */
export function derivedKeys(object: ObjectView): ReadonlySet<string> {
  return new Set((object.annotations[derivedAnnotation] ?? '').split(',').filter(Boolean))
}

/**
 * Plans the step that brings the derived keys of a Secret up to date: those that are missing, and those that were derived before
 * and differ. A value that the user supplied under the same name stays. Without a change there is no step.
 */
export function updateDerived(
  draft: Draft,
  name: string,
  object: ObjectView,
  wanted: Readonly<Record<string, string>>,
): void {
  const derived = derivedKeys(object)
  const mine = Object.entries(wanted).filter(([key]) => derived.has(key) || object.data[key] === undefined)
  const data = Object.fromEntries(mine.filter(([key, value]) => object.data[key] !== value))
  if (Object.keys(data).length === 0) return
  draft.steps.push({
    action: 'update',
    kind: 'Secret',
    name,
    reason: Object.keys(data).join(', '),
    make: { what: 'texts', data },
    resourceVersion: object.resourceVersion,
    annotations: { [derivedAnnotation]: [...new Set([...derived, ...mine.map(([key]) => key)])].join(',') },
  })
}
