import { parseExact } from '@selfmonitor/events/exact-json'
import { expect, it } from 'vitest'
import { toJsonLine, toYaml } from './data.ts'

it('numbers keep every digit, in YAML as in JSON', async () => {
  const text = '{"id":12345678901234567890,"price":[1.50,{"small":-0}],"count":3,"text":"12"}'
  expect(toJsonLine(parseExact(text))).toBe(`${text}\n`)
  expect(await toYaml(parseExact(text))).toBe(
    'id: 12345678901234567890\nprice:\n  - 1.50\n  - small: -0\ncount: 3\ntext: "12"\n',
  )
})
