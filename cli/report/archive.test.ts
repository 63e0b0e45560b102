import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { archiveWriter } from './archive.ts'

const texts = new Map([['doctor/realm.txt', 'ok']])
/** Others write reports, too. */
const useOwnFolder = (t: TestContext) => {
  const before = process.env.TMPDIR
  process.env.TMPDIR = freshFolder()
  t.onTestFinished(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
}
const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('realm-report-'))

test('what is written is one file for its owner, and a file that exists stays as it is', async () => {
  const file = join(freshFolder(), 'report.tar.gz')
  const write = archiveWriter((_, work) => work())
  await write(file, texts)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  writeFileSync(file, 'mine')
  await expect(write(file, texts)).rejects.toMatchObject({ exitCode: 5 })
  expect(statSync(file).size).toBe(4)
})

test('one that is interrupted leaves no part of the file, and nothing in the folder for temporary files', async (t) => {
  useOwnFolder(t)
  const file = join(freshFolder(), 'report.tar.gz')
  const before = folders()
  let said = ''
  await archiveWriter(async (tidyUp, work) => {
    await work()
    // Later is worse: all of it is there.
    said = tidyUp()
    expect([existsSync(file), folders()]).toEqual([false, before])
  })(file, texts)
  expect(said).toBe(`Interrupted: ${file} was not written.`)
})
