// VitePress looks for its configuration here; what it says is in book.ts.
export { bookConfig as default } from '../book.ts'
