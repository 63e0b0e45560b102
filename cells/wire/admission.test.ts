import { expect, test } from 'vitest'
import { decodeAdmission, encodeAdmission } from './admission.ts'

test.each([
  { room: 'island-1', kind: 'island' },
  { room: 'scene-märchen/1', kind: 'scene' },
  { room: 'scene-märchen/1', kind: 'revoked' },
] as const)('%j arrives as it was sent', (admission) => {
  expect(decodeAdmission(encodeAdmission(admission))).toEqual(admission)
})

test.each(['', 'null', '[]', '"island"', '{"room":1,"kind":"island"}', '{"room":"r","kind":"throne"}', '{"room":"r"', '\xff'])(
  '%j is no admission',
  (text) => expect(decodeAdmission(Buffer.from(text, 'latin1'))).toBeUndefined(),
)
