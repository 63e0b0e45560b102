import { PGlite } from '@electric-sql/pglite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { EngineFiles } from './engine-files.ts'
import { newDatabase } from './new-database.ts'

vi.setConfig({ testTimeout: 60_000 }) // compiling the engine takes seconds on a busy machine

async function anEngine() {
  const files = new EngineFiles(new URL('pglite.data', import.meta.resolve('@electric-sql/pglite')))
  const engine = await PGlite.create('memory://', { fsBundle: files.bundle, loadDataDir: newDatabase() })
  onTestFinished(() => engine.close())
  const bytesInMemory = async () => (await files.bundle.arrayBuffer()).byteLength
  return { files, engine, bytesInMemory }
}

/** Each reads files that no database has read when it is opened. */
const USES_FILES = `
  SELECT timestamptz '2026-11-29 12:00Z' AT TIME ZONE 'Asia/Tokyo' = timestamp '2026-11-29 21:00' AS zone,
    to_tsvector('english', 'the cats were running')::text AS words,
    (SELECT count(*) > 300 FROM pg_timezone_names) AS zones`
const USED = { zone: true, words: "'cat':2 'run':4", zones: true }

test('the files of the engine take no memory once it is open, and PostgreSQL reads them from disk when it needs them', async () => {
  const { files, engine, bytesInMemory } = await anEngine()
  expect(await bytesInMemory()).toBeGreaterThan(5_000_000)
  expect(files.release(engine)).toBe(true)
  expect(await bytesInMemory()).toBe(0)
  for (let time = 0; time < 2; time++) expect((await engine.query(USES_FILES)).rows).toEqual([USED])
})

test('a file of the engine that is written over holds what was written', async () => {
  const { files, engine } = await anEngine()
  files.release(engine)
  const { FS } = engine.Module
  const stop = '/pglite/share/postgresql/tsearch_data/english.stop'
  const before = FS.readFile(stop, { encoding: 'utf8' })
  expect(before).toMatch(/^i\nme\nmy\n/)
  FS.writeFile(stop, 'cats\n')
  expect(FS.readFile(stop, { encoding: 'utf8' })).toBe('cats\n')
  expect((await engine.query(`SELECT to_tsvector('english', 'my cats')::text AS words`)).rows).toEqual([{ words: "'my':1" }])
})

test('all files stay in memory where PGlite has one of them in another way', async () => {
  const { files, engine, bytesInMemory } = await anEngine()
  engine.Module.FS.unlink('/pglite/share/postgresql/tsearch_data/german.stop')
  expect(files.release(engine)).toBe(false)
  expect(await bytesInMemory()).toBeGreaterThan(5_000_000)
  expect((await engine.query(USES_FILES)).rows).toEqual([USED])
})
