from django.db import migrations, models


class Migration(migrations.Migration):
    """SQLite makes the table anew, to which rows of others refer."""

    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AlterField("author", "name", models.CharField(max_length=200, unique=True))]
