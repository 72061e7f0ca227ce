from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("board", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="note",
            name="file",
            field=models.FileField(blank=True, upload_to="notes/%Y/%m", verbose_name="attachment"),
        ),
    ]
