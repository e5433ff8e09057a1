2teq"tea*x
not