import { closeSync, fsyncSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshFolder } from '../../../testing/fresh-folder.ts'
import { syncFolder, syncTree } from './durable-files.ts'

test('a folder with files and folders is synced', () => {
  const folder = freshFolder()
  mkdirSync(join(folder, 'base/1'), { recursive: true })
  writeFileSync(join(folder, 'base/1/file'), 'content')
  syncTree(folder)
  expect(() => syncTree(join(folder, 'missing'))).toThrow('ENOENT')
})

test.runIf(process.platform === 'linux')('a file system that does not sync folders is no failure', () => {
  const descriptor = openSync('/proc/self', 'r')
  try {
    expect(() => fsyncSync(descriptor)).toThrow('EINVAL')
  } finally {
    closeSync(descriptor)
  }
  syncFolder('/proc/self')
})
