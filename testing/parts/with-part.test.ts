import { expect, test } from 'vitest'
import { runCommand } from './command.ts'
import { withPart } from './with-part.ts'

withPart('nats', 'a part that is there', (path) => {
  test('is passed to its tests as a program that runs', async () => {
    expect(await runCommand(path, ['--version'])).toMatch(/^nats-server: v2\.11\.\d+/)
  })
})
