import { expect, test } from 'vitest'
import { withoutTrailingSlash } from './base-url.ts'

test.each([
  ['https://realm.example', 'https://realm.example'],
  ['https://realm.example/', 'https://realm.example'],
  ['https://realm.example/path///', 'https://realm.example/path'],
  ['///', ''],
  ['', ''],
])('%j becomes %j', (url, base) => {
  expect(withoutTrailingSlash(url)).toBe(base)
})
