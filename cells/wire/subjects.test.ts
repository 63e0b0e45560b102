import { describe, expect, test } from 'vitest'
import type { PeerId } from './peer.ts'
import { cellScope, peerOf, scopeOf, subjects } from './subjects.ts'

const A: PeerId = '0x1f9090aae28b8a3dceadf281b0f12828e676c326'

describe('subjects', () => {
  test('without a scope are upstream’s own', () => {
    const at = subjects('')
    expect([at.heartbeat(A), at.connect(A), at.disconnect(A), at.islandChanged(A), at.islands, at.discovery]).toEqual([
      `peer.${A}.heartbeat`,
      `peer.${A}.connect`,
      `peer.${A}.disconnect`,
      `engine.peer.${A}.island_changed`,
      'engine.islands',
      'engine.discovery',
    ])
    expect(at.every.islandChanged).toBe('engine.peer.*.island_changed')
  })

  test('with a scope all begin with it', () => {
    const { every, ...at } = subjects(cellScope('ns.realm', 3))
    const all = [
      ...Object.values(every),
      ...Object.values(at).map((subject) => (typeof subject === 'string' ? subject : subject(A as never))),
    ]
    expect(all).toHaveLength(18)
    expect(all.filter((subject) => !subject.startsWith('ns.realm.3.'))).toEqual([])
  })

  test('name their peer, in lower case', () => {
    const at = subjects('ns.realm.3')
    for (const subject of [at.heartbeat(A), at.islandChanged(A), at.admission(A)]) expect(peerOf(subject)).toBe(A)
    expect(peerOf(`peer.${A.toUpperCase().replace('0X', '0x')}.heartbeat`)).toBe(A)
  })

  test.each(['peer.admin.heartbeat', 'peer..heartbeat', 'heartbeat', '', `peer.${A}0.heartbeat`])(
    '%j names no peer',
    (subject) => {
      expect(peerOf(subject)).toBeUndefined()
    },
  )

  test('name the scope they were published in', () => {
    const at = subjects('ns.realm.3')
    expect(scopeOf(at.heartbeat(A), 3)).toBe('ns.realm.3')
    expect(scopeOf(at.islandChanged(A), 4)).toBe('ns.realm.3')
    expect(scopeOf(at.islands, 2)).toBe('ns.realm.3')
    expect(scopeOf(subjects('').islands, 2)).toBe('')
  })
})
