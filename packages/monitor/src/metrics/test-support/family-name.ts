/** The metric that a series belongs to: a histogram's series end in `_bucket`, `_sum` and `_count`. */
export function familyName(series: string, known: { has(name: string): boolean }): string {
  return known.has(series) ? series : series.replace(/_(bucket|sum|count)$/, '')
}
