// Texts of others (of records, topics, groups, errors) as a terminal may have them: a control character would move the cursor, hide a
// line, or change what was printed before.

/** C0 and C1 controls, line and paragraph separators, and what changes the direction of text (Unicode TR 36, section 2.10). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the terminal
const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of colour.ts
const colours = /(\u001b\[(?:0|1|2|22|3[1-9]|9[0-7])m)/

/** A text of one line, its control characters and line breaks as JSON writes them. */
export function visible(text: string): string {
  return text.replace(controls, escaped)
}

/** Lines that have our colours: these and the line breaks stay, all else is as in `visible`. */
export function visibleLines(text: string): string {
  // Every second part is a colour.
  return text
    .split(colours)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(controls, (one) => (one === '\n' ? one : escaped(one)))))
    .join('')
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
