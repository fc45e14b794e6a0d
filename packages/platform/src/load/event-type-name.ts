export function isEventTypeName(text: string): boolean {
  return /^[A-Za-z_][\w.-]*$/.test(text)
}
