// A command line as it may be recorded. Pure.

/** Longer words are payloads rather than names. */
const longestWord = 300

/** Options whose value is, or may hold, a secret or a payload. Files that hold one are named, not read. */
const hiddenOptions = /^--(data|value|password|secret|token|header|key|where)$/

/**
 * The words joined, without what must not be in a trail: payloads, texts after options that may hold a secret, the login of a URL.
 * @param words after the name of the command
 */
export function commandLine(words: readonly string[]): string {
  const shown = words.map((word, index) => {
    const [option = '', ...rest] = word.split('=')
    if (rest.length > 0 && hiddenOptions.test(option)) return `${option}=…`
    const isValue = hiddenOptions.test(words[index - 1] ?? '')
    if (isValue && word !== '-' && !word.startsWith('@')) return '…'
    if (/^\s*[[{"]/.test(word) || word.length > longestWord) return '…'
    return withoutLogin(word)
  })
  return [
    'selfmonitor',
    ...shown.map((word) => (/[\s'"]/.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : word)),
  ].join(' ')
}

/** `https://name:password@host` without the two; the password may have an `@`. */
function withoutLogin(word: string): string {
  return word.replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, '$1…@')
}
