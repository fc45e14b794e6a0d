// Which section of the runbooks a check leads to: its alert's where it is the same condition as an alert, else one for operators.

/** @param heading the alert's name, in lower case */
export const alert = (heading: string): string => `alerts.md#${heading}`

export const operation = (heading: string): string => `kafka-operations.md#${heading}`
