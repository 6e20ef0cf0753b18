-- One row per claim of the files that this run adds to a warehouse file.
-- Placeholder: `first` is the number of the first of these files.
from main.accepted
where file_number >= {first}
