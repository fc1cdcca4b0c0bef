// What makes a shell ask the program itself for candidates: `conntrack --completion words -- WORD...` answers with a line for each, the
// word and, behind a tab, its help; or `:files`, where the shell is to complete the names of files.

const bash = `# bash completion of conntrack:  source <(conntrack --completion bash)
_conntrack() {
  local word help
  COMPREPLY=()
  while IFS=$'\\t' read -r word help; do
    if [[ $word == :files ]]; then compopt -o default 2>/dev/null; else COMPREPLY+=("$word"); fi
  done < <("$1" --completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _conntrack conntrack
`

const zsh = `#compdef conntrack
# zsh completion of conntrack:  source <(conntrack --completion zsh), behind compinit
_conntrack() {
  local line
  local -a described
  for line in "\${(@f)$("$words[1]" --completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files* ]]; then _files; return; fi
    [[ -z $line ]] || described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe conntrack described
}
compdef _conntrack conntrack
`

const fish = `# fish completion of conntrack:  conntrack --completion fish | source
function __conntrack_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l program $words[1]
  set -e words[1]
  for line in ($program --completion words -- $words "$current" 2>/dev/null)
    if string match -q ':files*' -- $line
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c conntrack -f -a '(__conntrack_complete)'
`

/** The scripts by the names of their shells. */
export const SHELLS: Readonly<Record<string, string>> = { bash, zsh, fish }
