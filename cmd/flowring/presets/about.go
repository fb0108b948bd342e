package presets

// About explains the command.
const About = `List the presets for bodies of other programs, or print one.

A preset is a YAML file that gives the fields of a body a meaning. 'flowring serve --presets FILE'
takes a changed copy. An argument with a dot is such a file, which is checked and printed.`

// Examples are calls of the command.
const Examples = `  flowring presets aws-vpc > our-aws.yaml
  flowring presets ./our-aws.yaml`
