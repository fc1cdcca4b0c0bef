/** The kernel's no to a request: an error's name (`'ENOENT'`) and, where the kernel adds some, its words (NLMSGERR_ATTR_MSG). */
export class Refusal extends Error {
  override readonly name: string = 'Refusal'
  readonly code: string
  readonly detail: string | undefined

  constructor(code: string, detail?: string) {
    super(code)
    this.code = code
    this.detail = detail
  }
}
