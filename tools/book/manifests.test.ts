import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { readManifest } from '../../cli/manifest.ts'
import { API_VERSION } from '../../crds/realm.ts'
import { fencedBlocks } from '../../testing/fenced-blocks.ts'
import { root } from '../house/sources.ts'
import { presentPages, typedCommands } from './written-pages.ts'

// Manifests in pages are copied by people. What is shown of a Realm or of the chart's values is judged as the real thing would be.

type Shown = Record<string, unknown>

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
const schema = JSON.parse(readFileSync(join(root, 'helm/values.schema.json'), 'utf8')) as { properties: object }
const isValues = ajv.compile(schema)

const blocks = presentPages().flatMap(({ file, text }) =>
  fencedBlocks(text)
    // A word behind it says whose manifest or values it is, if not ours.
    .filter(({ language, info }) => language === 'yaml' && info === '')
    .map((block) => ({ where: `${file}:${block.line}`, documents: parseAllDocuments(block.text) })),
)

/** Completes the part of a Realm that a page shows to a whole one, with the least that the CRD demands besides. */
function realmOf({ spec, ...rest }: Shown): Shown {
  const given = spec as Shown
  const isGuest = (given.world as Shown | undefined)?.gatekeeperOf !== undefined
  return {
    apiVersion: API_VERSION,
    kind: 'Realm',
    metadata: { name: 'shown' },
    ...rest,
    spec: { ...(given.livekit === undefined && !isGuest && { livekit: { type: 'Managed' } }), ...given },
  }
}

/** What would be said about a block; a kind that none of our programs knows is left to the one whose it is. */
function complaintsAbout(shown: Shown): string[] {
  if (shown.kind === undefined && shown.spec !== undefined) {
    const read = readManifest('shown', stringify(realmOf(shown)))
    return read.ok ? [] : read.problems.map(({ field, message }) => `${field}: ${message}`)
  }
  if (shown.apiVersion === API_VERSION) {
    const read = readManifest('shown', stringify(shown))
    return read.ok ? [] : read.problems.map(({ field, message }) => `${field}: ${message}`)
  }
  if (shown.kind !== undefined || !Object.keys(shown).some((key) => key in schema.properties)) return []
  return isValues(shown) ? [] : (isValues.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

describe('the manifests and values in pages', () => {
  test('are many', () => expect(blocks.length).toBeGreaterThan(20))

  test.each(blocks)('$where', ({ documents }) => {
    for (const document of documents) {
      expect(document.errors).toEqual([])
      // A page leaves out what would only be long.
      const shown = JSON.parse(JSON.stringify(document.toJS()).replaceAll('…', 'a'.repeat(40))) as Shown
      expect(complaintsAbout(shown)).toEqual([])
    }
  })

  const patches = typedCommands().filter(({ words }) => words.slice(0, 3).join(' ') === 'kubectl patch realm')

  test('every patch of a Realm that is typed is one of a Realm', () => {
    expect(patches.length).toBeGreaterThan(3)
    // A page that changes the number of gatekeepers is about a realm that may have several.
    const database = { type: 'External', secret: { name: 'database' } }
    const patchOf = (words: readonly string[]): Shown => {
      const { spec } = JSON.parse(words[words.indexOf('-p') + 1] ?? '') as { spec: Shown }
      return { spec: { ...spec, gatekeeper: { database, ...(spec.gatekeeper as Shown | undefined) } } }
    }
    expect(patches.flatMap(({ where, words }) => complaintsAbout(patchOf(words)).map((fault) => `${where}: ${fault}`))).toEqual(
      [],
    )
  })

  test('a wrong field, value and kind would be noticed', () => {
    expect(complaintsAbout({ spec: { cells: { replica: 2 } } })).not.toEqual([])
    expect(complaintsAbout({ operator: { replica: 2 } })).not.toEqual([])
    expect(complaintsAbout({ apiVersion: API_VERSION, kind: 'Realm', metadata: { name: 'x' }, spec: {} })).not.toEqual([])
  })
})
