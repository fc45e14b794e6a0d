// Version ranges as Kafka's message definitions write them: '3', '0-12', '4+', 'none'.

export type VersionRange = `${number}` | `${number}-${number}` | `${number}+` | 'none'

export interface Versions {
  readonly min: number
  readonly max: number
}

const none: Versions = { min: 0, max: -1 }

/** Parses a range; an open end is the highest int16. @throws SyntaxError when the text is not a range */
export function parseVersions(text: VersionRange): Versions {
  if (text === 'none') return none
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new SyntaxError(`not a version range: ${text}`)
  const min = Number(match[1])
  if (match[2] !== undefined) return { min, max: 32767 }
  return { min, max: match[3] === undefined ? min : Number(match[3]) }
}

export function includes(range: VersionRange | undefined, version: number): boolean {
  if (range === undefined) return false
  const { min, max } = parseVersions(range)
  return version >= min && version <= max
}
