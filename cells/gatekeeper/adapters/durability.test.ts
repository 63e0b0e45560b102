import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { freshFolder } from '../../../testing/fresh-folder.ts'

const here = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)

/** Prints the rows that are there, then inserts one after the other and prints each once the database has acknowledged it. */
const writer = `
  import { openPglite } from ${here('./pglite.ts')}
  const database = await openPglite(process.argv[2])
  await database.query('CREATE TABLE IF NOT EXISTS kept (id int PRIMARY KEY)')
  const rows = await database.query('SELECT id FROM kept ORDER BY id')
  console.log('found ' + rows.map(({ id }) => id).join(' '))
  for (let id = (rows.at(-1)?.id ?? 0) + 1; ; id++) {
    await database.query('INSERT INTO kept VALUES ($1)', [id])
    console.log('kept ' + id)
  }`

/** Reports every fsync of the process and of its threads, before the fsync returns. */
const reportSyncs = `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  const { fsyncSync } = fs
  fs.fsyncSync = (descriptor) => { fsyncSync(descriptor); fs.writeSync(1, 'synced\\n') }
  syncBuiltinESMExports()`

function startWriter(folder: string, preload?: string) {
  const args = preload ? ['--import', `data:text/javascript,${encodeURIComponent(preload)}`] : []
  const program = join(freshFolder(), 'writer.mjs')
  writeFileSync(program, writer)
  const child = spawn(process.execPath, [...args, program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const has = (pattern: RegExp) => expect.poll(() => lines.some((line) => pattern.test(line)), { timeout: 60_000 }).toBe(true)
  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'close') // by then everything it printed was read
  }
  const ids = (word: string) =>
    lines.filter((line) => line.startsWith(word)).flatMap((line) => line.split(' ').slice(1).map(Number))
  return { lines, has, kill, ids }
}

test('a commit is acknowledged only once it is synced to disk', async () => {
  const program = startWriter(freshFolder(), reportSyncs)
  await program.has(/^kept 20$/)
  await program.kill()
  const written = program.lines.slice(program.lines.indexOf('kept 1'), program.lines.indexOf('kept 20') + 1)
  const unsynced = written.filter((line, index) => line.startsWith('kept') && index > 0 && written[index - 1] !== 'synced')
  expect(unsynced).toEqual([])
}, 120_000)

test('what is repaired after a crash is synced to disk before the database answers', async () => {
  const folder = freshFolder()
  const first = startWriter(folder)
  await first.has(/^kept 5$/)
  await first.kill()
  const second = startWriter(folder, reportSyncs)
  await second.has(/^found/)
  await second.kill()
  const syncs = second.lines.findIndex((line) => line.startsWith('found'))
  expect(syncs).toBeGreaterThan(readdirSync(join(folder, 'base/5')).length)
}, 120_000)

test('in twenty rounds of kill -9 under writes no acknowledged row is lost', async () => {
  const folder = freshFolder()
  const acknowledged = new Set<number>()
  for (let round = 0; round < 20; round++) {
    const program = startWriter(folder)
    await program.has(/^kept/)
    await new Promise((resolve) => setTimeout(resolve, (round * 37) % 120))
    await program.kill()
    expect([...acknowledged].filter((id) => !program.ids('found').includes(id))).toEqual([])
    for (const id of program.ids('kept')) acknowledged.add(id)
  }
  expect(acknowledged.size).toBeGreaterThan(20)
}, 300_000)
