import type { Distribution } from '../../snapshot/types.ts'
import type { View } from '../view.ts'

export type Value = number | bigint | Distribution

/** @param labels values of the row's labels, in their order. One array may be given for several metrics, it is never changed */
export type Emit = (labels: readonly string[], value: Value) => void

/** How one metric is computed from a snapshot. What is not known has no sample. */
export type Compute = (view: View, emit: Emit) => void

export const noLabels: readonly string[] = []
