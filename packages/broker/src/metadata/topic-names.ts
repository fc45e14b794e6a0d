// The rules for topic names, with Kafka's messages (`org.apache.kafka.common.internals.Topic`).

const maxLength = 249

/** Why the name is not allowed, or undefined when it is. */
export function topicNameProblem(name: string): string | undefined {
  const invalid = (why: string) => `Topic name is invalid: ${why}`
  if (name === '') return invalid('the empty string is not allowed')
  if (name === '.' || name === '..') return invalid(`'${name}' is not allowed`)
  if (name.length > maxLength) {
    return invalid(`the length of '${name}' is longer than the max allowed length ${maxLength}`)
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return invalid(`'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`)
  }
  return undefined
}

/** Metric names turn dots into underscores, so `a.b` and `a_b` may not both exist. */
export function metricName(topic: string): string {
  return topic.replaceAll('.', '_')
}
