// Announcements as a script: each line of a case is one record of the log, in its order.
import { describe, expect, it } from 'vitest'
import type { Reservation } from './records.ts'
import { createReservations, type Holdings } from './reservations.ts'

const nothing: Holdings = { lastVersion: 0, lastId: 0, id: undefined }

function announcement(token: string, subject: string, version: number, id: number, fingerprint = token): Reservation {
  return { token, subject, version, id, fingerprint }
}

/** The tokens that are granted after these announcements. */
function granted(holds: Holdings, ...log: Reservation[]): string[] {
  const reservations = createReservations()
  for (const reservation of log) reservations.announce(reservation, holds)
  return log.map(({ token }) => token).filter((token) => reservations.isGranted(token))
}

describe('an announcement is granted', () => {
  it('if the version and the id are free', () => {
    expect(granted(nothing, announcement('a', 's', 1, 1))).toEqual(['a'])
  })

  it('to the first of two for one version', () => {
    expect(granted(nothing, announcement('a', 's', 1, 1), announcement('b', 's', 1, 2))).toEqual(['a'])
  })

  it('to the first of two for one id', () => {
    expect(granted(nothing, announcement('a', 's', 1, 1), announcement('b', 't', 1, 1))).toEqual(['a'])
  })

  it('to both for one id, when it is for the same schema', () => {
    expect(granted(nothing, announcement('a', 's', 1, 1, 'x'), announcement('b', 't', 1, 1, 'x'))).toEqual(['a', 'b'])
  })

  it('not for a second id of the same schema', () => {
    expect(granted(nothing, announcement('a', 's', 1, 1, 'x'), announcement('b', 't', 1, 2, 'x'))).toEqual(['a'])
    expect(granted({ ...nothing, lastId: 3, id: 3 }, announcement('a', 's', 1, 4))).toEqual([])
  })

  it('not for what is registered already', () => {
    const holds = { lastVersion: 2, lastId: 5, id: undefined }
    expect(granted(holds, announcement('a', 's', 2, 6))).toEqual([])
    expect(granted(holds, announcement('a', 's', 3, 5))).toEqual([])
    expect(granted(holds, announcement('a', 's', 3, 6))).toEqual(['a'])
    expect(granted({ ...holds, id: 4 }, announcement('a', 's', 3, 4))).toEqual(['a'])
  })

  it('in each context on its own', () => {
    expect(granted(nothing, announcement('a', 's', 1, 1), announcement('b', ':.lab:s', 1, 1))).toEqual(['a', 'b'])
  })
})

describe('an announced version', () => {
  const value = { subject: 's', version: 1, id: 1, schemaType: 'AVRO', references: [], schema: '"int"', deleted: false }

  it('is pending until it is written', () => {
    const reservations = createReservations()
    reservations.announce(announcement('a', 's', 1, 1), nothing)
    expect(reservations.pending('s').map(({ token }) => token)).toEqual(['a'])
    expect(reservations.idOf('.', 'a')).toBe(1)
    const withId = (context: string, id: number) => reservations.withId(context, id).map(({ token }) => token)
    expect([withId('.', 1), withId('.', 2), withId('.lab', 1)]).toEqual([['a'], [], []])
    reservations.written(value)
    expect(reservations.pending('s')).toEqual([])
    expect(reservations.isGranted('a')).toBe(false)
  })

  it('stays used when it is written, and is free again when it is gone for good', () => {
    const reservations = createReservations()
    reservations.announce(announcement('a', 's', 1, 1), nothing)
    reservations.written(value)
    expect([reservations.lastVersion('s'), reservations.lastId('.')]).toEqual([1, 1])
    reservations.removed('s', 0)
    expect([reservations.lastVersion('s'), reservations.lastId('.')]).toEqual([0, 1])
  })

  it('that is still to be written is not freed by the end of another', () => {
    const reservations = createReservations()
    reservations.announce(announcement('a', 's', 3, 1), nothing)
    reservations.removed('s', 1)
    expect(reservations.lastVersion('s')).toBe(3)
  })
})
