import { expect, it } from 'vitest'
import { commandLine } from './command-line.ts'

it('a command line keeps names and places, and loses payloads, secrets and logins', () => {
  const shown = (...words: string[]) => commandLine(words).replace(/^selfmonitor /, '')
  expect(shown('topics', 'delete', 'orders', '--yes')).toBe('topics delete orders --yes')
  expect(shown('events', 'emit', 't', 'x', '--user', 'u-1', '--data', '{"iban":"DE00"}')).toBe(
    'events emit t x --user u-1 --data …',
  )
  expect(shown('events', 'emit', 't', '--data={"iban":"DE00"}', '--header', 'token=abc')).toBe(
    'events emit t --data=… --header …',
  )
  expect(shown('events', 'emit', 't', '--data', '@user.json')).toBe('events emit t --data @user.json')
  expect(shown('--registry-url', 'https://me:secret@registry:8081', 'schemas', 'list')).toBe(
    '--registry-url https://…@registry:8081 schemas list',
  )
  expect(shown('users', 'create', 'a', '--password-file', 'a.password')).toBe(
    'users create a --password-file a.password',
  )
  expect(shown('topics', 'create', 'x'.repeat(400))).toBe('topics create …')
  expect(shown('restore', '--at', '2026-11-29 14:03 Europe/Berlin')).toBe(
    "restore --at '2026-11-29 14:03 Europe/Berlin'",
  )
})

it('has no login of a URL, whatever its password has in it, no payload and no condition', () => {
  expect(commandLine(['--registry-url', 'https://me:se@cret@registry:8081', 'topics', 'list'])).toBe(
    'selfmonitor --registry-url https://…@registry:8081 topics list',
  )
  expect(commandLine(['dlq', 'replay', 'orders.dlq', '--where', 'value.name == "Ann"', '--yes'])).toBe(
    'selfmonitor dlq replay orders.dlq --where … --yes',
  )
  expect(commandLine(['events', 'emit', 'user.events', '--key=user-4'])).toBe(
    'selfmonitor events emit user.events --key=…',
  )
})
