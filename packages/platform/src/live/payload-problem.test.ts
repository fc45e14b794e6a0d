import type { IncompatibilityReason } from '@selfmonitor/registry'
import { describe, expect, it } from 'vitest'
import { payloadSentence } from './payload-problem.ts'

const text = (type: string) => JSON.stringify({ properties: { amount: { type }, properties: { type } } })
const compared = { schema: text('integer'), old: text('string'), version: 3 }

function sentence(
  type: string | null,
  path: string | null,
  direction: IncompatibilityReason['direction'] = 'backward',
) {
  const reason = { type, path, direction, description: 'in its words', additionalInfo: null }
  return payloadSentence(reason, 'in its words', compared).problem
}

describe('a reason against a payload', () => {
  it.each([
    [
      'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL',
      '#/properties/amount',
      'the field amount was removed or renamed, and events of version 3 may have it',
    ],
    [
      'REQUIRED_ATTRIBUTE_ADDED',
      '/properties/amount',
      'the field amount is required now, and events of version 3 may be without it',
    ],
    [
      'REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL',
      '/properties/merchant/properties/name',
      'the field merchant.name is new and required, and events of version 3 do not have it',
    ],
    [
      'TYPE_CHANGED',
      '/properties/amount/type',
      'the field amount has another type (string before, integer now), and events of version 3 have the old one',
    ],
    [
      'PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL',
      '/properties/a~1b',
      'the field a/b is new in an object that takes fields of any name, and events of version 3 may have something else under this one',
    ],
    [
      'ENUM_ARRAY_NARROWED',
      '/properties/amount/enum',
      'the field amount takes fewer values, and events of version 3 may have the others',
    ],
    [
      'MAX_LENGTH_DECREASED',
      '/properties/amount/maxLength',
      'maxLength of the field amount is stricter, and events of version 3 may break it',
    ],
    [
      'MAXIMUM_EXCLUSIVE_ADDED',
      '/properties/amount/exclusiveMaximum',
      'exclusiveMaximum of the field amount is stricter, and events of version 3 may break it',
    ],
    ['TYPE_CHANGED', '', 'the payload has another type, and events of version 3 have the old one'],
    ['SUM_TYPE_NARROWED', '/properties/amount', 'the field amount: in its words'],
    [null, null, 'in its words'],
  ])('%s at %s is a sentence about the field', (type, path, expected) => {
    expect(sentence(type, path)).toBe(expected)
  })

  it('tells a field from the keyword of the same name', () => {
    expect(sentence('REQUIRED_ATTRIBUTE_ADDED', '/properties/properties/properties/required')).toBe(
      'the field properties.required is required now, and events of version 3 may be without it',
    )
  })

  it('is about services with the old version where that one reads the new events', () => {
    expect(sentence('PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL', '/properties/amount', 'forward')).toBe(
      'the field amount is new, and version 3 allows no other fields than its own',
    )
    expect(sentence('MAX_LENGTH_DECREASED', '/properties/amount', 'forward')).toBe('the field amount: in its words')
  })
})
